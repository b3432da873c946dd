package claim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gonets/gonets/pkg/dispatch"
)

// bounds tell how far each queue was handed over when the records were lost.
type bounds map[string]uint64

// cover tells whether the job may have been under way when the records were lost: the server had sent it before that, and sends it again.
// What comes for the first time was in nobody's hands.
func (b bounds) cover(req *dispatch.ClaimRequest) bool {
	p := req.Redelivered
	return p.Sequence != 0 && p.Sequence <= b[p.Queue]
}

// text is "<sequence> <queue>\n" for each.
func (b bounds) text() string {
	var out []byte
	for _, queue := range slices.Sorted(maps.Keys(b)) {
		out = append(strconv.AppendUint(out, b[queue], 10), ' ')
		out = append(append(out, queue...), '\n')
	}
	return string(out)
}

// readBounds reads what a script answered for them.
func readBounds(answer any) (bounds, error) {
	text, ok := answer.(string)
	if !ok {
		return nil, fmt.Errorf("the script answered %T for the bounds", answer)
	}
	b := bounds{}
	for line := range strings.Lines(text) {
		digits, queue, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		n, err := strconv.ParseUint(digits, 10, 64)
		if !ok || err != nil {
			return nil, fmt.Errorf("the bounds of the last loss can't be read: %q", line)
		}
		b[queue] = n
	}
	return b, nil
}
