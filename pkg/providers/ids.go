package providers

import (
	"encoding/base32"
	"encoding/binary"
	"math/bits"
	"strconv"
)

// Base32ID is a message's key as an id of 32 letters and digits, A to Z and 2 to 7: its first 160 bits.
func Base32ID(key [32]byte) string {
	return base32.StdEncoding.EncodeToString(key[:20])
}

// AppendBase32ID appends the [Base32ID] of a message's key.
func AppendBase32ID(b []byte, key *[32]byte) []byte {
	return base32.StdEncoding.AppendEncode(b, key[:20])
}

// ParseBase32ID gives the bits of a [Base32ID], whose letters may be small; false: the text is none.
func ParseBase32ID(text string) (bits [20]byte, ok bool) {
	if len(text) != 32 {
		return bits, false
	}
	for i := 0; i < 4; i++ { // 8 characters are 5 bytes
		var n uint64
		for _, c := range []byte(text[8*i : 8*i+8]) {
			switch letter := c | 0x20; {
			case letter-'a' < 26:
				n = n<<5 | uint64(letter-'a')
			case c-'2' < 6:
				n = n<<5 | uint64(c-'2'+26)
			default:
				return bits, false
			}
		}
		bits[5*i] = byte(n >> 32)
		binary.BigEndian.PutUint32(bits[5*i+1:], uint32(n))
	}
	return bits, true
}

// DecimalID is a message's key as an id of exactly 18 decimal digits, the first one not 0: its first 128 bits, modulo
// 9·10^17. Among a hundred million messages two share an id with a probability of less than 1%.
func DecimalID(key [32]byte) string {
	const lowest, count = 1e17, 9e17
	rest := bits.Rem64(binary.BigEndian.Uint64(key[:8]), binary.BigEndian.Uint64(key[8:16]), count)
	return strconv.FormatUint(lowest+rest, 10)
}
