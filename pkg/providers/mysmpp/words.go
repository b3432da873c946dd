package mysmpp

import "github.com/gonets/gonets/pkg/providers"

// dictionary is what the provider's errors mean. The wire is Russian; the document is a translation of it, so
// both are known. Phrases are the shortest part of a text that tells it from the others; the longest one counts: «У нас
// закончились SMS» (the provider ran out) holds «закончились SMS» (the account ran out).
//
// The document has its two tables swapped: those about the packet come alone at the top, the others with their phone.
// Both are looked up here, wherever they stand. Those marked with (s) aren't in the document: public clients of sibling
// brands of the same platform show them.
func dictionary() providers.Phrases {
	misconfigured := providers.Verdict{Outcome: providers.Misconfigured}
	unauthorized := providers.Verdict{Outcome: providers.Unauthorized}
	unavailable := providers.Verdict{Outcome: providers.Unavailable}
	noFunds := providers.Verdict{Outcome: providers.InsufficientFunds}
	stalled := providers.Verdict{Outcome: providers.Stalled}
	closed := providers.Verdict{Outcome: providers.ClosedDestination}
	// The first of the identical requests may have been taken, and ours may be that one.
	flood := providers.Verdict{Outcome: providers.Ambiguous, Code: providers.CodeThrottled}
	rejected := func(c providers.Code) providers.Verdict {
		return providers.Verdict{Outcome: providers.Rejected, Code: c}
	}

	return providers.NewPhrases(map[string]providers.Verdict{
		"Неправильный формат JSON": misconfigured, "Incorrect JSON document format": misconfigured,
		"POST данные отсутствуют": misconfigured, "POST data is missing": misconfigured,

		"Неправильный логин или пароль": unauthorized, "Incorrect login or password": unauthorized,
		"аккаунт заблокирован": unauthorized, "account is locked": unauthorized,
		"account blocked": unauthorized, "account is blocked": unauthorized,

		"Закончились SMS": noFunds, "Out of SMS": noFunds,
		"У нас закончились SMS": unavailable, "We have run out of SMS": unavailable,
		// (s) «Недостаточно средств … SMS будет отправлена, как только …»
		"будет отправлена, как только": stalled, "будет отправлено, как только": stalled, "will be sent as soon as": stalled,

		"Укажите номер телефона": rejected(providers.InvalidRecipient), "Specify phone number": rejected(providers.InvalidRecipient),
		"Номер телефона должен быть меньше":  rejected(providers.InvalidRecipient),
		"Phone number must be less than":     rejected(providers.InvalidRecipient),
		"присутствует в стоп-листе":          rejected(providers.BlockedRecipient),
		"is on the stop list":                rejected(providers.BlockedRecipient),
		"Данное направление закрыто":         closed,
		"Данное направление закрыто для вас": closed,
		"This destination is closed":         closed,
		"This destination is closed for you": closed,

		"Нет отправителя": rejected(providers.InvalidSender), "No sender": rejected(providers.InvalidSender),
		"Такого отправителя нет": rejected(providers.InvalidSender), "There is no such sender": rejected(providers.InvalidSender),
		"не прошел модерацию": rejected(providers.InvalidSender), "sender has not been moderated": rejected(providers.InvalidSender),
		"Отправитель не должен превышать": rejected(providers.InvalidSender), "sender must not exceed": rejected(providers.InvalidSender),

		"отклонен модератором": rejected(providers.InvalidContent), "rejected by moderator": rejected(providers.InvalidContent),
		"Нет текста сообщения": rejected(providers.InvalidContent), "No message text": rejected(providers.InvalidContent),
		"Нет ссылки": rejected(providers.InvalidContent), "No link": rejected(providers.InvalidContent),
		"визитной карточки": rejected(providers.InvalidContent), "business card": rejected(providers.InvalidContent),

		"более одного одинакового запроса": flood, "more than one identical request": flood, "flood": flood, // (s)
	})
}

// repeats are the words for a message that the provider had before (s). With an id it is taken.
func repeats() providers.Phrases {
	ambiguous := providers.Verdict{Outcome: providers.Ambiguous}
	return providers.NewPhrases(map[string]providers.Verdict{
		"сообщение уже было отправлено": ambiguous, "message has already been sent": ambiguous,
	})
}

// states is the meaning of the provider's states. One that isn't among them is its last word too: a sibling interface of the platform puts the
// reason why a message was not sent there.
func states() providers.ReceiptWords {
	return providers.NewReceiptWords(map[string]providers.ReceiptState{
		"send":           providers.Pending,
		"deliver":        providers.Delivered,
		"read":           providers.Delivered,
		"not_deliver":    providers.Undelivered,
		"expired":        providers.Undelivered,
		"partly_deliver": providers.Untold,
	})
}
