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

// DecimalID is a message's key as an id of exactly 18 decimal digits, the first one not 0: its first 128 bits, modulo
// 9·10^17. Among a hundred million messages two share an id with a probability of less than 1%.
func DecimalID(key [32]byte) string {
	const lowest, count = 1e17, 9e17
	rest := bits.Rem64(binary.BigEndian.Uint64(key[:8]), binary.BigEndian.Uint64(key[8:16]), count)
	return strconv.FormatUint(lowest+rest, 10)
}
