package job

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/go-json-experiment/json/jsontext"
)

// Hash names the content of a decoded job: channel, to, audience, sender, text and push, neither times nor metadata. It is 16 bytes of
// SHA-256 in hexadecimal. The order of keys, white space and the spelling of strings and fractions in embedded JSON don't
// matter; whole numbers count digit by digit, since ids in a query may be larger than a float can tell apart.
func (j *Job) Hash() string {
	var room [1024]byte
	b := appendField(room[:0], string(j.Channel))
	b = appendField(b, j.To)
	b = appendField(b, j.Sender)
	b = appendField(b, j.Text)
	if a := j.Audience; a != nil {
		everyone := "query"
		if a.Everyone {
			everyone = "everyone"
		}
		b = appendField(b, "audience")
		b = appendField(b, a.Collection)
		b = appendField(b, everyone)
		b = appendField(b, canonical(a.Query))
	}
	if p := j.Push; p != nil {
		b = appendField(b, "push")
		b = appendField(b, canonical(p.GCM))
		b = appendField(b, canonical(p.APNS))
	}
	return half(b)
}

// half is the first half of a SHA-256 in hexadecimal.
func half(b []byte) string {
	sum := sha256.Sum256(b)
	var digits [sha256.Size]byte
	hex.Encode(digits[:], sum[:sha256.Size/2])
	return string(digits[:])
}

// Key names a tenant's job together with its content: what ids for providers are made of. It is the SHA-256 of tenant, id
// and content hash, and the same for a replay of the same job.
func (j *Job) Key(tenant string) [sha256.Size]byte { return KeyOf(tenant, j.ID, j.Hash()) }

// KeyOf is [Job.Key] where the content hash is known already.
func KeyOf(tenant, id, hash string) [sha256.Size]byte {
	var room [256]byte
	b := appendField(room[:0], tenant)
	b = appendField(b, id)
	b = appendField(b, hash)
	return sha256.Sum256(b)
}

// MsgID is the Nats-Msg-Id that producers should give a job, by which the server drops repeats: tenant, id and the beginning of the body's
// SHA-256, so that a corrected job isn't taken for a repeat.
func MsgID(tenant, id string, body []byte) string {
	sum := sha256.Sum256(body)
	return tenant + ":" + id + ":" + hex.EncodeToString(sum[:8])
}

// appendField appends a field behind its length, so that no two lists of fields give the same bytes.
func appendField(b []byte, field string) []byte {
	b = binary.AppendUvarint(b, uint64(len(field)))
	return append(b, field...)
}

// canonical is the one spelling of a JSON value; of what isn't JSON, which no decoded job holds, the bytes as they are.
func canonical(raw []byte) string {
	v := jsontext.Value(bytes.Clone(raw))
	if err := v.Canonicalize(jsontext.CanonicalizeRawInts(false)); err != nil {
		return string(raw)
	}
	return string(v)
}
