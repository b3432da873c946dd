// Package mysmpp sends sms and viber messages through the JSON interface of MySMPP.
//
// A packet groups messages by channel, sender and text, and its reply is a flat list of rows in the order of the phones,
// without phone or id: rows are matched by position, and a reply of another length leaves the whole packet ambiguous. That
// costs nothing but a repeat: each message carries an id derived from its key (client_id_sms), and the provider sends no
// message twice with the same one, but gives back the number of the first.
package mysmpp
