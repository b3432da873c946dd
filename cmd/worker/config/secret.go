package config

import (
	"crypto/sha256"
	"os"
	"strings"

	"github.com/gonets/gonets/pkg/providers"
)

// fileSuffix makes a key out of a credential's, whose value is read from the file it names.
const fileSuffix = "_file"

// hidden is how a secret stands in a fault.
const hidden = "the value"

// placeholder stands for a credential whose own fault was reported, so that it isn't reported as missing too.
const placeholder = "?"

// credential is the value of key, or the content of the file that <key>_file names. Its value is never shown.
func (s *section) credential(key, fallback string) string {
	return readCredential(s, key, fallback, func(text string) (string, error) { return text, nil })
}

func (s *section) secret(key string) providers.Secret {
	return providers.Secret(s.credential(key, ""))
}

func readCredential[T any](s *section, key string, fallback T, parse func(string) (T, error)) T {
	direct, hasDirect := s.value(key)
	fromFile, hasFile := s.value(key + fileSuffix)
	if s.faulty[key+fileSuffix] {
		s.faulty[key] = true
	}
	if s.faulty[key] {
		return fallback
	}
	if hasDirect && hasFile {
		switch inEnv, fileInEnv := direct.line == 0, fromFile.line == 0; {
		case inEnv && !fileInEnv:
			hasFile = false
		case fileInEnv && !inEnv:
			hasDirect = false
		default:
			s.faultAt(fromFile, key+fileSuffix, "given beside %s; give one of the two", key)
			s.faulty[key] = true
			return fallback
		}
	}
	switch {
	case hasFile:
		content, err := os.ReadFile(fromFile.text)
		if err != nil {
			s.faultAt(fromFile, key+fileSuffix, "%s", unreadable(fromFile, err))
			s.faulty[key] = true
			return fallback
		}
		s.secrets = append(s.secrets, Content{fromFile.text, sha256.Sum256(content)})
		fromFile.text = strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
		fromFile.shown = "the file's content"
		return typed(s, key, fromFile, fallback, parse)
	case hasDirect:
		direct.shown = hidden
		return typed(s, key, direct, fallback, parse)
	}
	return fallback
}

// readable returns the key's value, a path; a fault where the file can't be read.
func (s *section) readable(key string) string {
	v, ok := s.value(key)
	if !ok || v.text == "" {
		return ""
	}
	f, err := os.Open(v.text)
	if err != nil {
		s.faultAt(v, key, "%s", unreadable(v, err))
		return v.text // given, whatever is in it
	}
	_ = f.Close() // nothing was written
	return v.text
}
