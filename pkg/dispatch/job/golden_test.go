package job

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference before it is committed")

// files maps the names of testdata files to their content.
func files(t testing.TB, pattern string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", pattern))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	all := make(map[string][]byte, len(names))
	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		all[name] = data
	}
	return all
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	name = strings.TrimSuffix(name, ".json") + ".golden"
	if *update {
		require.NoError(t, os.WriteFile(name, []byte(got), 0o644))
	}
	want, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

// The golden of a valid job is its normal form, as JSON, and its content hash.
func TestValidJobs(t *testing.T) {
	for name, data := range files(t, "jobs/valid/*.json") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			before := bytes.Clone(data)
			j, err := Decode(data, "RU")
			require.NoError(t, err)
			require.Equal(t, before, data, "the input must not be changed")
			normal, err := j.Encode()
			require.NoError(t, err)
			golden(t, name, string(normal)+"\n"+j.Hash()+"\n")

			clear(data) // the job must not share its memory
			again, err := Decode(normal, "")
			require.NoError(t, err, "a normal form needs no region")
			require.Equal(t, j.Hash(), again.Hash())
			twice, err := again.Encode()
			require.NoError(t, err)
			require.Equal(t, string(normal), string(twice))
		})
	}
}

// The golden of an invalid job is the code, the error, and what could be saved of it.
func TestInvalidJobs(t *testing.T) {
	for name, data := range files(t, "jobs/invalid/*.json") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			j, err := Decode(data, "RU")
			require.NotNil(t, j)
			wrong, ok := errors.AsType[*Error](err)
			require.True(t, ok, "%v", err)
			rest, err := j.Encode()
			require.NoError(t, err)
			golden(t, name, string(wrong.Code)+"\n"+wrong.Error()+"\n"+string(rest)+"\n")
			require.NotContains(t, wrong.Error(), "961")
			require.NotContains(t, wrong.Error(), "Hi")
			require.Zero(t, j.To+j.Text+j.Sender, "what names the job, nothing else")
		})
	}
}

// The golden files of events are the events themselves.
func TestEvents(t *testing.T) {
	for name, data := range files(t, "events/*.json") {
		t.Run(filepath.Base(name), func(t *testing.T) {
			e, err := DecodeEvent(data)
			require.NoError(t, err)
			got, err := e.Encode()
			require.NoError(t, err)
			require.Equal(t, string(data), string(got))
		})
	}
}
