package access

import (
	"crypto/subtle"
	"mime"
	"net/http"
	"strings"
)

// maxForm bounds what a form may send; rules to try out are the longest.
const maxForm = 4 << 20

// meant refuses a request that changes something and that another site may have made a
// browser send. What a browser says of where it comes from is checked first; then it must
// hold what only our pages know, or be of a type that no form has and that another site's
// script is not let send.
func (g *Guard) meant(w http.ResponseWriter, r *http.Request, v *visit) *refusal {
	forged := &refusal{status: http.StatusForbidden, text: "this form is from another site or an old page; open the page anew and try again"}
	if err := g.origins.Check(r); err != nil {
		return forged
	}
	if strings.HasPrefix(r.URL.Path, "/api/") { // a program, which has no form to open anew
		forged.text = "what changes something is sent with a token (Authorization: Bearer rollcall_…), or, from this machine while there is none, with Content-Type: application/json"
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	sent := r.Header.Get("X-CSRF-Token")
	switch {
	case sent != "":
	case media == "application/x-www-form-urlencoded", media == "multipart/form-data":
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		sent = formField(r, media)
	case v.person.Via == ViaLoopback && programs(media):
		return nil
	}
	if sent == "" || v.csrf == "" || subtle.ConstantTimeCompare([]byte(sent), []byte(v.csrf)) != 1 {
		return forged
	}
	return nil
}

func formField(r *http.Request, media string) string {
	if media == "multipart/form-data" {
		if err := r.ParseMultipartForm(maxForm); err != nil {
			return ""
		}
	} else if err := r.ParseForm(); err != nil {
		return ""
	}
	return r.PostForm.Get("csrf")
}

// programs says whether a type is one that a browser sends to another site only after
// asking it, which we deny.
func programs(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "/yaml")
}
