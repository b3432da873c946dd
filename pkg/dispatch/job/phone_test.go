package job

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNormalizePhone(t *testing.T) {
	for _, c := range []struct{ phone, region, want string }{
		{"8 (961) 224-22-43", "RU", "+79612242243"},
		{"+79612242243", "RU", "+79612242243"},
		{"+79612242243", "", "+79612242243"},
		{"+7 961 224-22-43", "", "+79612242243"},
		{" +7.961.224.22.43 ", "US", "+79612242243"},
		{"+7\u00a0(961)\u00a0224\u201122\u201343", "", "+79612242243"},
		{"89612242243", "RU", "+79612242243"},
		{"9612242243", "RU", "+79612242243"},
		{"79612242243", "RU", "+79612242243"},
		{"(961) 2242243", "RU", "+79612242243"},
		{"+(7)9612242243", "", "+79612242243"},
		{"٨٩٦١٢٢٤٢٢٤٣", "RU", "+79612242243"},
		{"8 10 44 20 7946 0958", "RU", "+442079460958"},
		{"+375 29 123-45-67", "RU", "+375291234567"},
		{"+1 (415) 555-2671", "", "+14155552671"},
		{"+4915112345678", "RU", "+4915112345678"},
		{"+70000000000", "RU", "+70000000000"}, // possible, though nobody's: the provider's to refuse
	} {
		got, err := NormalizePhone(c.phone, c.region)
		require.NoError(t, err, c.phone)
		require.Equal(t, c.want, got)
		again, err := NormalizePhone(got, "")
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
}

func TestNormalizePhoneRefuses(t *testing.T) {
	for _, c := range []struct{ phone, region string }{
		{"", "RU"}, {" ", "RU"}, {"+", "RU"}, {"-", "RU"}, {"112", "RU"}, {"2242243", "RU"},
		{"89612242243", ""},         // no country
		{"89612242243", "XX"},       // no such country
		{"253 0000", "US"},          // within its area only
		{"+7961224224", "RU"},       // too short
		{"+796122422433", "RU"},     // too long
		{"+99912345678", "RU"},      // no such country code
		{"+79612242243 ext. 5", ""}, // an extension
		{"+79612242243,5", ""},
		{"89612242243 89612242244", "RU"}, // two phones
		{"89612242243/44", "RU"},
		{"8-800-FLOWERS", "RU"},
		{"+7+9612242243", "RU"}, {"9612242243+", "RU"},
		{"+7961224224\x00", "RU"}, {"+7961224224O", "RU"},
		{strings.Repeat("1", 1000), "RU"},
	} {
		got, err := NormalizePhone(c.phone, c.region)
		require.Empty(t, got, c.phone)
		wrong, ok := err.(*Error)
		require.True(t, ok, "%q: %v", c.phone, err)
		require.Equal(t, InvalidRecipient, wrong.Code)
		require.Equal(t, "to", wrong.Field)
		require.False(t, strings.ContainsAny(wrong.Problem, "0123456789"), "the phone must not be told")
	}
}

// The short way must give what the library would.
func TestExactPhoneAgreesWithLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		phone := fmt.Sprintf("+7%010d", rapid.Int64Range(0, 9_999_999_999).Draw(t, "subscriber"))
		number, err := phonenumbers.Parse(phone, "ZZ")
		require.NoError(t, err)
		require.Equal(t, phonenumbers.IS_POSSIBLE, phonenumbers.IsPossibleNumberWithReason(number))
		require.Equal(t, phone, phonenumbers.Format(number, phonenumbers.E164))
		require.True(t, exact(phone))
	})
}

func BenchmarkNormalizePhone(b *testing.B) {
	for name, phone := range map[string]string{"exact": "+79612242243", "loose": "8 (961) 224-22-43", "abroad": "+4915112345678"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := NormalizePhone(phone, "RU"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What is recognised without the library is what the library makes of it.
func TestPhonesOfRussiaAgree(t *testing.T) {
	_, ok := mobile("8 (961) 224-22-43")
	require.True(t, ok)
	mark := rapid.SampledFrom([]string{"", "", "", "", " ", "-", ".", "(", ")", ") ", " (", "--"})
	rapid.Check(t, func(t *rapid.T) {
		phone := mark.Draw(t, "mark") + rapid.SampledFrom([]string{"8", "7", "+7", "+8", "9", "+", "810", "8 10", "78", "88", "77", "+77", "+78", "87", "89", "79", "+79", "8 9", "80", "70", "81", "+ 79", "+-79", "(+79", "+(79", "8-9", "7 9"}).Draw(t, "begin")
		for range rapid.IntRange(7, 12).Draw(t, "digits") {
			phone += mark.Draw(t, "mark") + rapid.StringMatching(`[0-9]`).Draw(t, "digit")
		}
		phone += mark.Draw(t, "mark")
		got, ok := mobile(phone)
		if !ok {
			return
		}
		want, err := parsePhone(phone, "RU")
		require.NoError(t, err, phone)
		require.Equal(t, want, got, phone)
	})
}
