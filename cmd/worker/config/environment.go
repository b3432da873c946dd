package config

import (
	"errors"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// variablePrefix begins the names of the variables that override the file.
const variablePrefix = "GONETS_"

// serviceLink matches the variables that Kubernetes makes for the services of a namespace, for a name that begins with gonets.
var serviceLink = regexp.MustCompile(
	`^GONETS_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// variable is the name of the variable that overrides the key with that path.
func variable(path string) string {
	return variablePrefix + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// overridesIn picks the variables that are meant to override something out of an environment as of [os.Environ].
func overridesIn(environ []string) map[string]string {
	found := map[string]string{}
	for _, pair := range environ {
		name, text, ok := strings.Cut(pair, "=")
		if ok && strings.HasPrefix(name, variablePrefix) && !serviceLink.MatchString(name) {
			found[name] = text
		}
	}
	return found
}

// strayVariables reports overrides of nothing.
func (l *loader) strayVariables() {
	for _, name := range slices.Sorted(maps.Keys(l.overrides)) {
		if slices.Contains(l.variables, name) || slices.Contains(l.expanded, name) {
			continue
		}
		problem := "overrides no key" + didYouMean(name, l.variables)
		if strings.HasPrefix(name, variable("accounts")+"_") || strings.HasPrefix(name, variable("routes")+"_") {
			problem = "accounts and routes can't be overridden; use ${NAME} in the file"
		}
		l.faults = append(l.faults, Fault{File: name, Problem: problem})
	}
}

// expand puts the values of variables in place of their names.
func (l *loader) expand(text string) (expanded, problem string) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			out.WriteString(text)
			return out.String(), ""
		}
		if strings.HasSuffix(before, "$") { // $${ stands for ${
			out.WriteString(before + "{")
			text = rest
			continue
		}
		out.WriteString(before)
		name, after, closed := strings.Cut(rest, "}")
		if !closed || !variableName.MatchString(name) {
			return "", "${ begins no variable; write ${NAME}, or $${ for the characters themselves"
		}
		l.expanded = append(l.expanded, name)
		value, ok := l.env(name)
		if !ok {
			return "", "the environment variable " + name + " is not set; set it"
		}
		out.WriteString(value)
		text = after
	}
}

// unreadable tells why a file can't be read, without the system's echo of a path that may have come from a variable.
func unreadable(v value, err error) string {
	why := "can't be read"
	switch {
	case errors.Is(err, fs.ErrNotExist):
		why = "does not exist"
	case errors.Is(err, fs.ErrPermission):
		why = "may not be read"
	}
	return "the file " + v.shown + " " + why
}
