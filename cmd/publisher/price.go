package main

import (
	"math/big"
	"regexp"
	"strings"
)

// price is what a segment costs: a decimal number of any length, reckoned exactly. The zero value is none.
type price struct {
	each   *big.Rat // nil: none
	places int      // digits after the point, as given
}

// maxPrice bounds the digits that are reckoned with.
const maxPrice = 40

func parsePrice(words string) (price, error) {
	if words == "" {
		return price{}, nil
	}
	decimal := regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
	if !decimal.MatchString(words) || len(words) > maxPrice {
		return price{}, usagef("--price must be a decimal number such as 2.35, of at most %d digits", maxPrice)
	}
	each, _ := new(big.Rat).SetString(words) // what the pattern lets through is one
	_, fraction, _ := strings.Cut(words, ".")
	return price{each, len(fraction)}, nil
}

// times is the price of so many segments, with as many decimals as the price; empty: there is no price.
func (p price) times(segments int) string {
	if p.each == nil {
		return ""
	}
	sum := new(big.Rat).SetInt64(int64(segments))
	return sum.Mul(sum, p.each).FloatString(p.places)
}
