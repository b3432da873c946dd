package job

// Hexadecimal tells whether all of a text are digits as package hex writes them, as those of a job's hash are. It takes no branch a digit: which of them are
// letters nobody foretells, so that a branch would take four times as long.
func Hexadecimal(s string) bool {
	all := -1
	for i := range len(s) {
		all &= (int(s[i]-'0') - 10) | (int(s[i]-'a') - 6) // below 0: a digit, or a letter
	}
	return all < 0
}
