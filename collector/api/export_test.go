package api

// Routes gives the role of each method and path that is served.
func Routes() map[string]string {
	out := map[string]string{}
	for _, r := range (&server{}).routes() {
		out[r.method+" "+r.path] = string(r.role)
	}
	return out
}
