package scorocode

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSettingsFaults(t *testing.T) {
	for name, tc := range map[string]struct {
		s      Settings
		fields []string
	}{
		"all":                {Settings{App: "a", ClientKey: "c", AccessKey: "k", Session: "s"}, nil},
		"without a session":  {Settings{App: "a", ClientKey: "c", AccessKey: "k"}, nil},
		"without anything":   {Settings{}, []string{"app", "client_key", "access_key"}},
		"without client key": {Settings{App: "a", AccessKey: "k"}, []string{"client_key"}},
	} {
		t.Run(name, func(t *testing.T) {
			var fields []string
			for _, f := range tc.s.Validate() {
				require.NotEmpty(t, f.Problem)
				fields = append(fields, f.Field)
			}
			require.Equal(t, tc.fields, fields)
		})
	}
}

func TestSettingsKeepSecrets(t *testing.T) {
	s := &Settings{App: "app", ClientKey: "k1secret", AccessKey: "k2secret", Session: "k3secret"}
	for _, out := range []string{fmt.Sprintf("%v", s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s)} {
		require.NotContains(t, out, "secret")
	}
}
