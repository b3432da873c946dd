package config

import (
	"crypto/sha256"
	"os"
)

// Content is a file of a secret as it was when the configuration was read. The secret itself isn't in here.
type Content struct {
	Path string
	Sum  Sum
}

// Sum tells contents apart; that of a file that can't be read is zero.
type Sum [sha256.Size]byte

// Now is the file as it is now.
func (c Content) Now() Content {
	data, err := os.ReadFile(c.Path)
	if err != nil {
		return Content{Path: c.Path}
	}
	return Content{c.Path, sha256.Sum256(data)}
}
