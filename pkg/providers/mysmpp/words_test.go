package mysmpp

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gonets/gonets/pkg/providers"
)

// wordings are the provider's texts, those of the document and those that only its public clients show, in both languages.
var wordings = []struct {
	text    string
	outcome providers.Outcome
	code    providers.Code
}{
	{"Неправильный формат JSON документа", providers.Misconfigured, providers.CodeMisconfigured},
	{"Неправильный формат JSON", providers.Misconfigured, providers.CodeMisconfigured},
	{"Incorrect JSON document format ", providers.Misconfigured, providers.CodeMisconfigured},
	{"POST данные отсутствуют", providers.Misconfigured, providers.CodeMisconfigured},
	{"POST data is missing", providers.Misconfigured, providers.CodeMisconfigured},

	{"Неправильный логин или пароль", providers.Unauthorized, providers.CodeUnauthorized},
	{"Incorrect login or password", providers.Unauthorized, providers.CodeUnauthorized},
	{"Ваш аккаунт заблокирован", providers.Unauthorized, providers.CodeUnauthorized},
	{"Аккаунт заблокирован.", providers.Unauthorized, providers.CodeUnauthorized},
	{"Your account is locked", providers.Unauthorized, providers.CodeUnauthorized},
	{"Your account is locked Incorrect login or password", providers.Unauthorized, providers.CodeUnauthorized},
	{"Account blocked ", providers.Unauthorized, providers.CodeUnauthorized},
	{"Account is blocked", providers.Unauthorized, providers.CodeUnauthorized},

	{"Закончились SMS", providers.InsufficientFunds, providers.CodeInsufficientFunds},
	{"закончились sms.", providers.InsufficientFunds, providers.CodeInsufficientFunds},
	{"Out of SMS", providers.InsufficientFunds, providers.CodeInsufficientFunds},
	{"У нас закончились SMS", providers.Unavailable, providers.CodeUnavailable},
	{"У нас закончились SMS. Для разрешения проблемы свяжитесь с менеджером.", providers.Unavailable, providers.CodeUnavailable},
	{"We have run out of SMS", providers.Unavailable, providers.CodeUnavailable},
	{"We have run out of SMS. Contact your manager to resolve the problem ", providers.Unavailable, providers.CodeUnavailable},
	{"Недостаточно средств на лицевом счету. SMS будет отправлена, как только вы пополните баланс.", providers.Stalled, providers.CodeInsufficientFunds},
	{"Недостаточно средств. Сообщение будет отправлено, как только поступит оплата", providers.Stalled, providers.CodeInsufficientFunds},
	{"Insufficient funds. The SMS will be sent as soon as you top up", providers.Stalled, providers.CodeInsufficientFunds},

	{"Укажите номер телефона", providers.Rejected, providers.InvalidRecipient},
	{"Specify phone number ", providers.Rejected, providers.InvalidRecipient},
	{"Номер телефона должен быть меньше 15 символов.", providers.Rejected, providers.InvalidRecipient},
	{"Phone number must be less than 15 characters ", providers.Rejected, providers.InvalidRecipient},
	{"Номер телефона присутствует в стоп-листе", providers.Rejected, providers.BlockedRecipient},
	{"Phone number is on the stop list", providers.Rejected, providers.BlockedRecipient},
	{"Данное направление закрыто для вас", providers.ClosedDestination, providers.CodeClosedDestination},
	{"Данное направление закрыто", providers.ClosedDestination, providers.CodeClosedDestination},
	{"This destination is closed for you ", providers.ClosedDestination, providers.CodeClosedDestination},
	{"This destination is closed", providers.ClosedDestination, providers.CodeClosedDestination},

	{"Нет отправителя", providers.Rejected, providers.InvalidSender},
	{"No sender", providers.Rejected, providers.InvalidSender},
	{"Такого отправителя нет", providers.Rejected, providers.InvalidSender},
	{"There is no such sender", providers.Rejected, providers.InvalidSender},
	{"Отправитель не прошёл модерацию", providers.Rejected, providers.InvalidSender},
	{"Отправитель не прошел модерацию.", providers.Rejected, providers.InvalidSender},
	{"The sender has not been moderated", providers.Rejected, providers.InvalidSender},
	{"Отправитель не должен превышать 15 символов для цифровых номеров и 11 символов для буквенно-числовых.", providers.Rejected, providers.InvalidSender},
	{"The sender must not exceed 15 characters for numeric numbers and 11 characters for alphanumeric numbers ", providers.Rejected, providers.InvalidSender},

	{"Текст SMS отклонен модератором", providers.Rejected, providers.InvalidContent},
	{"Текст SMS отклонён модератором", providers.Rejected, providers.InvalidContent},
	{"SMS text rejected by moderator", providers.Rejected, providers.InvalidContent},
	{"Нет текста сообщения", providers.Rejected, providers.InvalidContent},
	{"No message text", providers.Rejected, providers.InvalidContent},
	{"Нет ссылки", providers.Rejected, providers.InvalidContent},
	{"No link", providers.Rejected, providers.InvalidContent},
	{"Укажите название контакта и хотя бы один параметр для визитной карточки.", providers.Rejected, providers.InvalidContent},
	{"Provide the name of the contact and at least one parameter for a business card ", providers.Rejected, providers.InvalidContent},

	{"Попытка отправки более одного одинакового запроса в течение минуты", providers.Ambiguous, providers.CodeThrottled},
	{"Flood control", providers.Ambiguous, providers.CodeThrottled},

	{"Система на профилактике", providers.Ambiguous, providers.CodeAmbiguous},
	{"send", providers.Ambiguous, providers.CodeAmbiguous},
	{"<html>", providers.Ambiguous, providers.CodeAmbiguous},
}

func TestWordings(t *testing.T) {
	d := dictionary()
	for _, tc := range wordings {
		t.Run(tc.text, func(t *testing.T) {
			require.Equal(t, tc.code, d.Result(tc.text).Code)
			require.Equal(t, tc.outcome, d.Result(tc.text).Outcome)
		})
	}
}
