package job

import (
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// NormalizePhone turns a phone as people write it into E.164: "8 (961) 224-22-43" in region RU becomes +79612242243. Region
// is that of phones without a country code (ISO 3166, such as RU); empty where there is none. Errors are of type *[Error], code
// invalid_recipient, field to, and don't hold the phone.
//
// It takes every number of a possible length for its country and doesn't ask whether its range is in use: the tables of ranges
// in a library age, and a number of a new range that is refused here can't be sent to at all, while one that nobody has is
// refused by the provider. Numbers that can be dialled from within an area only are not possible, and neither are extensions, letters
// and lists of phones: of those the library would silently take a part.
func NormalizePhone(phone, region string) (string, error) {
	if exact(phone) {
		return phone, nil
	}
	if region == "RU" {
		if digits, ok := mobile(phone); ok {
			return digits, nil
		}
	}
	return parsePhone(phone, region)
}

// parsePhone is the same for any phone, by the library.
func parsePhone(phone, region string) (string, error) {
	digits, plus := 0, false
	for _, r := range phone {
		switch {
		case unicode.IsDigit(r):
			digits++
		case r == '+' && digits == 0 && !plus:
			plus = true
		case between(r):
		default:
			return "", badPhone("must be one phone: digits, spaces and + - . ( ) only")
		}
	}
	if digits == 0 {
		return "", badPhone("is empty")
	}
	if region == "" {
		region = "ZZ" // the library's own name for none
	}
	number, err := phonenumbers.Parse(phone, region)
	if err != nil {
		return "", badPhone("is not a phone, or has no country code")
	}
	if number.GetExtension() != "" || phonenumbers.IsPossibleNumberWithReason(number) != phonenumbers.IS_POSSIBLE {
		return "", badPhone("has not the length of a phone in its country")
	}
	return phonenumbers.Format(number, phonenumbers.E164), nil
}

func badPhone(problem string) error { return wrong(InvalidRecipient, "to", problem) }

// exact recognises a mobile phone of the numbering plan +7 in E.164, the form that producers send most: it needs no parsing.
func exact(phone string) bool {
	if len(phone) != 12 || phone[:2] != "+7" {
		return false
	}
	for i := 2; i < len(phone); i++ {
		if phone[i] < '0' || phone[i] > '9' {
			return false
		}
	}
	return true
}

// mobile recognises a mobile phone as people in Russia write it: 8, 7 or +7 and ten digits from 9 on, with ASCII marks between them. The
// library takes 100 times as long.
func mobile(phone string) (string, bool) {
	var digits [12]byte
	n, plus := 1, false
	for i := range len(phone) {
		switch c := phone[i]; {
		case '0' <= c && c <= '9':
			if n == len(digits) {
				return "", false
			}
			digits[n] = c
			n++
		case c == '+' && n == 1 && !plus:
			plus = true
		case c == ' ' || c == '-' || c == '.' || c == '(' || c == ')':
		default:
			return "", false
		}
	}
	if n < len(digits) || digits[2] != '9' || digits[1] != '7' && (digits[1] != '8' || plus) {
		return "", false
	}
	digits[0], digits[1] = '+', '7'
	return string(digits[:]), true
}

// between tells the characters that people put between the digits of a phone.
func between(r rune) bool {
	switch r {
	case ' ', '-', '.', '(', ')', '\u00a0', '\u2007', '\u2009', '\u202f', '\u2212':
		return true
	}
	return '\u2010' <= r && r <= '\u2015' // the hyphens and dashes
}
