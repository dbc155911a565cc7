package web

import (
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// lookTime is how long a page that a search left empty goes on to the next.
const lookTime = 2 * time.Second

// looked asks for a page, and for the next ones while they are empty: a search for what is rare
// among what is frequent ends early where nothing was found on the way.
func looked[T any](p store.Page, ask func(store.Page) (list T, items int, next string, err error)) (T, error) {
	for end := time.Now().Add(lookTime); ; {
		list, items, next, err := ask(p)
		if err != nil || items > 0 || next == "" || time.Now().After(end) {
			return list, err
		}
		p.Cursor = next
	}
}
