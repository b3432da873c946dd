package mysmpp

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
		"login and password": {Settings{Login: "l", Password: "p"}, nil},
		"token":              {Settings{Token: "t"}, nil},
		"zone":               {Settings{Token: "t", Timezone: "Asia/Yekaterinburg"}, nil},
		"nothing":            {Settings{}, []string{"login"}},
		"login only":         {Settings{Login: "l"}, []string{"password"}},
		"password only":      {Settings{Password: "p"}, []string{"login"}},
		"both modes":         {Settings{Login: "l", Password: "p", Token: "t"}, []string{"token"}},
		"login and token":    {Settings{Login: "l", Token: "t"}, []string{"token"}},
		"unknown zone":       {Settings{Token: "t", Timezone: "Europe/Moskva"}, []string{"timezone"}},
		"the machine's zone": {Settings{Token: "t", Timezone: "Local"}, []string{"timezone"}},
		"every fault":        {Settings{Timezone: "../x"}, []string{"login", "timezone"}},
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
	s := &Settings{Login: "l", Password: "hunter2", Token: "t0ken"}
	for _, out := range []string{fmt.Sprintf("%v", s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprint(s.Validate())} {
		require.NotContains(t, out, "hunter2")
		require.NotContains(t, out, "t0ken")
	}
}
