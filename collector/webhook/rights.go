package webhook

// Rights are the subjects that the holder of a lease must be allowed to publish on.
func Rights() []string {
	const stream = "KV_" + LeaseBucket
	return []string{
		"$JS.API.INFO", "$JS.API.STREAM.INFO." + stream, "$JS.API.STREAM.CREATE." + stream, "$JS.API.DIRECT.GET." + stream + ".>", "$KV." + LeaseBucket + ".>",
	}
}
