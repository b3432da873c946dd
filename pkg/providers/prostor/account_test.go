package prostor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

func TestBalances(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want []providers.Balance // nil: it can't be read
	}{
		"as documented": {`{"status":"ok","balance":[{"credit":0.0,"balance":"0.00","type":"RUB"},{"credit":1000000,"balance":-508784,"type":"SMS"}]}`,
			[]providers.Balance{{Amount: "0.00", Credit: "0.0", Unit: "RUB"}, {Amount: "-508784", Credit: "1000000", Unit: "SMS"}}},
		"the other way about": {`{"status":"ok","balance":[{"credit":"0.0","balance":0.00,"type":"RUB"},{"credit":"1000000","balance":"-508784","type":"SMS"}]}`,
			[]providers.Balance{{Amount: "0.00", Credit: "0.0", Unit: "RUB"}, {Amount: "-508784", Credit: "1000000", Unit: "SMS"}}},
		"beyond a float":      {`{"status":"ok","balance":[{"balance":12345678901234567890.10}]}`, []providers.Balance{{Amount: "12345678901234567890.10"}}},
		"a decimal comma":     {`{"status":"ok","balance":[{"balance":"1,50","type":"RUB"}]}`, []providers.Balance{{Amount: "1.50", Unit: "RUB"}}},
		"no purse":            {`{"status":"ok","balance":[]}`, []providers.Balance{}},
		"one without a list":  {`{"status":"ok","balance":{"balance":-1,"type":"SMS"}}`, []providers.Balance{{Amount: "-1", Unit: "SMS"}}},
		"a bare text":         {`{"status":"ok","balance":"0.00"}`, []providers.Balance{{Amount: "0.00"}}},
		"a bare number":       {`{"status":"ok","balance":-508784}`, []providers.Balance{{Amount: "-508784"}}},
		"one that is no use":  {`{"status":"ok","balance":[{"balance":null,"type":"RUB"},{"balance":"5","credit":"much","type":7},null,[]]}`, []providers.Balance{{Amount: "5", Unit: "7"}}},
		"none that is of use": {`{"status":"ok","balance":[{"balance":"a lot","type":"RUB"}]}`, nil},
		"null":                {`{"status":"ok","balance":null}`, nil},
		"missing":             {`{"status":"ok"}`, nil},
		"refused":             {`{"status":"error","description":"error authorization","balance":[{"balance":"5"}]}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, _ := asking(t, 200, tc.body)
			got, err := p.Balance(t.Context())
			require.Equal(t, tc.want == nil, err != nil, "%v", err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestSenders(t *testing.T) {
	p, _ := asking(t, 200, `{"status":"ok","senders":[{"status":"active","info":"","name":"MyBrand"},{"status":"pending","info":null,"name":3132018},
		{"status":"blocked","info":"bad name, call +7 961 224-22-43","name":"MegaFon"},{"status":" Default","name":"Тест"},{"status":"new","name":"Т\u0435st"},
		{"status":"active"},{"name":"Shop"},"Shop",null]}`)
	got, err := p.Senders(t.Context())
	require.NoError(t, err)
	require.Equal(t, []providers.Sender{
		{Name: "MyBrand", Status: "active", Usable: true},
		{Name: "3132018", Status: "pending"},
		{Name: "MegaFon", Status: "blocked", Info: "bad name, call +***"},
		{Name: "Тест", Status: "default", Usable: true},
		{Name: "Теst", Status: "new"},
		{Name: "Shop"},
	}, got)
	for body, readable := range map[string]bool{`{"status":"ok","senders":[]}`: true, `{"status":"ok"}`: false, `{"status":"ok","senders":null}`: false, `{"status":"error","senders":[]}`: false} {
		p, _ := asking(t, 200, body)
		_, err := p.Senders(t.Context())
		require.Equal(t, readable, err == nil, body)
	}
}

func TestVersions(t *testing.T) {
	for body, want := range map[string]string{
		`{"status":"ok","version":2}`:                                    "2",
		`{"status":"ок","version":"2"}`:                                  "2",
		`{"status":"ok","version":"3.1"}`:                                "3.1",
		`{"status":"ok","version":{}}`:                                   "",
		`{"status":"ok"}`:                                                "",
		`{"status":"error","version":2}`:                                 "",
		`{"status":"error","description":"method not found"}`:            "",
		`{"status":"error","description":"error authorization: login1"}`: "",
	} {
		p, _ := asking(t, 200, body)
		got, wanted, err := p.Version(t.Context())
		require.Equal(t, want, got, body)
		require.Equal(t, "2", wanted)
		require.Equal(t, want == "", err != nil, body)
		if err != nil {
			require.NotContains(t, err.Error(), "login1")
		}
	}
}
