package sim

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// yes takes everything and says so.
type yes struct{}

func (yes) Answer(r Request) Answer {
	return Answer{Body: []byte("0123456789"), Taken: []Copy{{To: string(r.Body), ID: "1"}}}
}

func startYes(t *testing.T) *Server {
	t.Helper()
	s := New(yes{})
	require.NoError(t, s.Start("127.0.0.1:0"))
	t.Cleanup(s.Close)
	return s
}

func TestFaults(t *testing.T) {
	for _, fault := range Faults() {
		t.Run(fault.String(), func(t *testing.T) {
			s := startYes(t)
			client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			defer client.CloseIdleConnections()
			ask := func() (int, string, error) {
				resp, err := client.Post(s.URL().String(), "text/plain", strings.NewReader("somebody"))
				if err != nil {
					return 0, "", err
				}
				defer resp.Body.Close() //nolint:errcheck // read whole
				b, err := io.ReadAll(resp.Body)
				return resp.StatusCode, string(b), err
			}
			s.Break(fault, 1)
			taken := 1
			if fault == Hang {
				n, arrived := s.Arrived()
				require.Zero(t, n)
				go func() {
					<-arrived
					s.Close()
				}()
			}
			status, body, err := ask()
			switch fault {
			case Refused:
				require.ErrorIs(t, err, syscall.ECONNREFUSED)
				taken = 0
			case Hang:
				require.Error(t, err)
			case ResetBefore:
				require.ErrorIs(t, err, syscall.ECONNRESET)
				taken = 0
			case ResetAfter:
				require.ErrorIs(t, err, syscall.ECONNRESET)
			case TooMany:
				require.Equal(t, http.StatusTooManyRequests, status)
				taken = 0
			case Error500:
				require.Equal(t, http.StatusInternalServerError, status)
			case HTML502:
				require.Equal(t, http.StatusBadGateway, status)
				require.Contains(t, body, "<html>")
			case Truncated:
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				require.Equal(t, "01234", body)
			case Garbage:
				require.Contains(t, body, "\xff")
			case Redirect:
				require.Equal(t, http.StatusTemporaryRedirect, status)
				taken = 0
			case Huge:
				require.NoError(t, err)
				require.Len(t, body, 10+hugeSize)
			default: // an Answerer's own, or a slow one
				require.NoError(t, err)
				require.Equal(t, "0123456789", body)
			}
			require.Equal(t, taken, s.Copies(Copy{To: "somebody", ID: "1"}))
			require.Equal(t, taken, s.Messages())
			if fault == Hang {
				return
			}
			if fault == Refused {
				_, _, err = ask()
				require.ErrorIs(t, err, syscall.ECONNREFUSED, "refused lasts until it is ended")
				s.Break(None, 0)
			}
			_, body, err = ask()
			require.NoError(t, err, "after the fault")
			require.Equal(t, "0123456789", body)
			require.Empty(t, s.Violations())
		})
	}
}

func TestFollowedRedirectIsAViolation(t *testing.T) {
	s := startYes(t)
	s.Break(Redirect, 1)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(s.URL().String(), "text/plain", strings.NewReader("somebody"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Len(t, s.Violations(), 1)
}

func TestFaultsForEver(t *testing.T) {
	s := startYes(t)
	s.Break(Error500, -1)
	for range 3 {
		status, _ := post(t, s, "/", "text/plain", "somebody")
		require.Equal(t, http.StatusInternalServerError, status)
	}
	s.Break(None, 0)
	status, _ := post(t, s, "/", "text/plain", "somebody")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, []Copy{{"somebody", "1"}}, s.Repeats())
	s.Forget()
	require.Empty(t, s.All())
}

func TestFaultNames(t *testing.T) {
	for _, f := range append(Faults(), None) {
		got, err := ParseFault(f.String())
		require.NoError(t, err)
		require.Equal(t, f, got)
	}
	_, err := ParseFault("flood")
	require.ErrorContains(t, err, "html 502")
}

func TestVerdictsKnowPhonesHoweverWritten(t *testing.T) {
	s := New(yes{})
	s.Verdict("+7 (961) 224-22-43", "no")
	words, ok := s.Scripted("79612242243")
	require.True(t, ok)
	require.Equal(t, "no", words)
	s.Verdict("79612242243", "")
	_, ok = s.Scripted("+79612242243")
	require.False(t, ok)
	s.Verdict("users", "no")
	_, ok = s.Scripted("users")
	require.True(t, ok)
}

func TestCountOnly(t *testing.T) {
	var l Ledger
	l.CountOnly(true)
	l.enter([]Copy{{"a", "1"}, {"a", "1"}})
	require.Equal(t, 2, l.Messages())
	require.Equal(t, 1, l.Requests())
	require.Empty(t, l.All())
	require.Empty(t, l.Packets())
}
