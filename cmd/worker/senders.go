package main

import (
	"fmt"
	"strings"

	"github.com/gonets/gonets/pkg/providers"
)

// judgeSender tells whether an account's own sender is one that it may use, and says it in words. Names are compared byte by byte: Latin and
// Cyrillic letters that look alike make different names, as do capital and small ones.
func judgeSender(name string, list []providers.Sender) (words string, usable bool) {
	if name == "" {
		return "no sender of its own", false
	}
	var alike []string
	for _, s := range list {
		switch {
		case s.Name == name && s.Usable:
			return fmt.Sprintf("sender %q is usable", name), true
		case s.Name == name:
			return fmt.Sprintf("sender %q isn't usable, its status is %q", name, s.Status), false
		case skeleton(s.Name) == skeleton(name):
			alike = append(alike, fmt.Sprintf("%q", s.Name))
			if spelled := fmt.Sprintf("%+q", s.Name); spelled != alike[len(alike)-1] {
				alike[len(alike)-1] += " (" + spelled + ")"
			}
		}
	}
	words = fmt.Sprintf("sender %q isn't in the account's list", name)
	if spelled := fmt.Sprintf("%+q", name); spelled != fmt.Sprintf("%q", name) {
		words = fmt.Sprintf("sender %q (%s) isn't in the account's list", name, spelled)
	}
	if len(alike) > 0 {
		words += "; " + strings.Join(alike, " and ") + " is, which looks like it and is another name"
	}
	return words, false
}

// skeleton is what a name looks like: in small Latin letters where they look like the Cyrillic ones.
func skeleton(name string) string {
	return strings.ToLower(strings.NewReplacer(
		"А", "A", "В", "B", "Е", "E", "Ё", "E", "Ѕ", "S", "З", "3", "І", "I", "Ј", "J", "К", "K", "М", "M", "Н", "H", "О", "O", "Р", "P", "С", "C", "Т", "T", "У", "Y", "Х", "X",
		"а", "a", "в", "b", "е", "e", "ё", "e", "ѕ", "s", "з", "3", "і", "i", "ј", "j", "к", "k", "м", "m", "н", "h", "о", "o", "р", "p", "с", "c", "т", "t", "у", "y", "х", "x",
	).Replace(name))
}
