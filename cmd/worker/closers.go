package main

// closers are what a program opened, to be closed in reverse order.
type closers []func()

func (c *closers) add(closer func()) { *c = append(*c, closer) }

func (c *closers) close() {
	for i := len(*c) - 1; i >= 0; i-- {
		(*c)[i]()
	}
	*c = nil
}
