package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"github.com/gonets/gonets/pkg/providers"
)

var (
	nameForm    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	prefixForm  = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	sizeForm    = regexp.MustCompile(`^([0-9]+)\s*([A-Za-z]*)$`)
	secretForm  = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)
	decimalForm = regexp.MustCompile(`^[0-9]{1,18}(\.[0-9]{1,18})?$`)
)

func text(s string) (string, error) { return s, nil }

// webhookSecret reads what stands in a URL's path, and must not be guessed.
func webhookSecret(s string) (providers.Secret, error) {
	if !secretForm.MatchString(s) {
		return "", errors.New("is too short or has other characters, use 16 to 128 letters, digits, - and _")
	}
	return providers.Secret(s), nil
}

func boolean(s string) (bool, error) {
	switch s {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New("is neither true nor false")
}

// whole reads whole numbers from least to most; most 0: no upper bound.
func whole(least, most int) func(string) (int, error) {
	allowed := fmt.Sprintf("use a whole number from %d to %d", least, most)
	if most == 0 {
		most, allowed = math.MaxInt32, fmt.Sprintf("use a whole number of at least %d", least)
	}
	return func(s string) (int, error) {
		n, err := strconv.Atoi(s)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return 0, errors.New("is out of range, " + allowed)
		case err != nil:
			return 0, errors.New("is no whole number, " + allowed)
		case n < least:
			return 0, errors.New("is too small, " + allowed)
		case n > most:
			return 0, errors.New("is too large, " + allowed)
		}
		return n, nil
	}
}

// rate reads a number of messages a second: above zero, perhaps a fraction.
func rate(s string) (float64, error) {
	const least, most = 0.0001, 1e6
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) {
		return 0, errors.New("is no number, use one above 0 such as 100 or 0.5")
	}
	if f < least || f > most {
		return 0, fmt.Errorf("is out of range, use %v to %.0f", least, most)
	}
	return f, nil
}

// duration reads Go's durations, of at least the given one.
func duration(least time.Duration) func(string) (time.Duration, error) {
	return func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil {
			return 0, errors.New("is no duration, use a number with a unit such as 500ms, 30s, 5m or 72h")
		}
		if d < least {
			return 0, fmt.Errorf("is too short, use at least %s", brief(least))
		}
		return d, nil
	}
}

// brief writes a duration without the zeroes at its end: 1h, not 1h0m0s.
func brief(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// size reads bytes: plain, or with a decimal or binary unit.
func size(least int64) func(string) (int64, error) {
	units := map[string]int64{"": 1, "b": 1,
		"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
	return func(s string) (int64, error) {
		m := sizeForm.FindStringSubmatch(s)
		if m == nil {
			return 0, errors.New("is no size, use bytes such as 10GiB, 500MB or 1048576")
		}
		unit, ok := units[strings.ToLower(m[2])]
		if !ok {
			return 0, errors.New("has no known unit, use B, kB, MB, GB, TB, KiB, MiB, GiB or TiB")
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		switch {
		case err != nil || n > math.MaxInt64/unit:
			return 0, errors.New("is too large, use less than 8 EiB")
		case n*unit < least:
			return 0, fmt.Errorf("is too small, use at least %d bytes", least)
		}
		return n * unit, nil
	}
}

// decimal reads an amount of money, which stays text.
func decimal(s string) (string, error) {
	if !decimalForm.MatchString(s) {
		return "", errors.New(`is no amount, use decimal digits that are not negative, such as "100.50"`)
	}
	return s, nil
}

func oneOf(allowed ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(allowed, s) {
			return "", fmt.Errorf("is unknown, use %s%s", strings.Join(allowed, ", "), didYouMean(s, allowed))
		}
		return s, nil
	}
}

func prefix(s string) (string, error) {
	const longest = 100
	if len(s) > longest || !prefixForm.MatchString(s) {
		return "", fmt.Errorf("is no prefix, use tokens of letters, digits, - and _ separated by dots, at most %d characters", longest)
	}
	return s, nil
}

func region(s string) (string, error) {
	if !phonenumbers.GetSupportedRegions()[s] {
		return "", errors.New("is no known region, use an ISO 3166-1 code of two capital letters such as RU")
	}
	return s, nil
}

func listenAddress(s string) (string, error) {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return "", errors.New("is no address, use host:port such as 127.0.0.1:8080 or :8080")
	}
	return s, nil
}
