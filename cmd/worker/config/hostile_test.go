package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Files that nest far too deep are refused with a fault; so are those that are far too large.
func TestOutsizedFiles(t *testing.T) {
	for _, unit := range []string{"- ", "[", "{a: ", "? ", "a:\n "} {
		_, err := loadText(strings.Repeat(unit, 1<<10))
		require.IsType(t, Faults{}, err, unit)
	}
	_, err := loadText(strings.Repeat("#", maxSize+1))
	require.EqualError(t, err, "gonets.yaml: is larger than 256 KiB")
}
