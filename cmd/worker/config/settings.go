package config

import (
	"reflect"
	"strings"

	"github.com/gonets/gonets/pkg/providers"
)

// settings reads the provider's own keys: the fields of its settings, each of them a text that <key>_file may give as well.
func (s *section) settings(kind providers.Kind) providers.Settings {
	settings := kind.Settings()
	fields := reflect.ValueOf(settings).Elem()
	keys := map[string]bool{}
	for i := range fields.NumField() {
		key, _, _ := strings.Cut(fields.Type().Field(i).Tag.Get("yaml"), ",")
		if key == "" || key == "-" {
			continue
		}
		keys[key] = true
		text := s.credential(key, "")
		if s.faulty[key] {
			text = placeholder
		}
		fields.Field(i).SetString(text)
	}
	for _, f := range settings.Validate() {
		if !s.faulty[f.Field] {
			s.fault(f.Field, "%s", f.Problem)
		}
	}
	return settings
}
