package job

import (
	"github.com/go-json-experiment/json"
)

// Encode gives the job as JSON for a producer to publish; [Decode] reads it back. It doesn't check the contract's rules, only that
// the job can be written and isn't larger than [MaxBytes]: publish what Decode takes. Errors are of type *[Error].
func (j *Job) Encode() ([]byte, error) {
	data, err := json.Marshal(j, json.Deterministic(true))
	if err != nil {
		return nil, explain(err)
	}
	if len(data) > MaxBytes {
		return nil, malformed("", "is larger than 64 KiB")
	}
	return data, nil
}
