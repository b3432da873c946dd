package natsq

import (
	"math"
	"strings"
	"time"
)

// origin is what a delivery's reply subject tells of its message.
type origin struct {
	stream, consumer string
	queue            string // both, see queueName
	sequence         string // in the stream, as it stands there
	place            uint64 // the same as a number
	deliveries       uint64 // this one included
	at               time.Time
	pending          uint64 // what the consumer has not delivered yet
}

// originOf reads a reply subject without any memory of its own. There are two forms, told by the number of their tokens (9, or at least 11):
//
//	$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>
//	$JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>[.<random>]
func originOf(reply string) (o origin, ok bool) {
	rest, ok := strings.CutPrefix(reply, "$JS.ACK.")
	if !ok {
		return o, false
	}
	switch n := strings.Count(rest, ".") + 1; {
	case n == 7:
	case n >= 9:
		_, rest, _ = strings.Cut(rest, ".")
		_, rest, _ = strings.Cut(rest, ".")
	default:
		return o, false
	}
	from := rest
	o.stream, rest, _ = strings.Cut(rest, ".")
	o.consumer, rest, _ = strings.Cut(rest, ".")
	o.queue = from[:len(o.stream)+len(".")+len(o.consumer)]
	var numbers [5]uint64 // deliveries, stream sequence, consumer sequence, nanoseconds, pending
	for i := range numbers {
		n, digits := number(rest)
		if digits == 0 || digits < len(rest) && rest[digits] != '.' {
			return origin{}, false
		}
		if i == 1 {
			o.sequence = rest[:digits]
		}
		numbers[i], rest = n, rest[min(digits+1, len(rest)):]
	}
	o.deliveries, o.place, o.pending = numbers[0], numbers[1], numbers[4]
	o.at = time.Unix(0, int64(numbers[3])).UTC() // 63 bits: no overflow
	return o, true
}

// number reads the number below 2^63 at the beginning of a text, and tells how many digits it has; 0: there is none.
func number(text string) (n uint64, digits int) {
	for ; digits < len(text) && text[digits] >= '0' && text[digits] <= '9'; digits++ {
		n = 10*n + uint64(text[digits]-'0')
		if digits > 18 || n > math.MaxInt64 {
			return 0, 0
		}
	}
	return n, digits
}
