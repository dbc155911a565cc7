package follow

// Rights are the subjects that a watcher of a bucket must be allowed to publish on. With these
// it reads, and changes nothing.
func Rights(bucket string) []string {
	stream := "OBJ_" + bucket
	return []string{
		"$JS.API.STREAM.INFO." + stream, "$JS.API.DIRECT.GET." + stream + ".>",
		"$JS.API.CONSUMER.CREATE." + stream + ".>", "$JS.API.CONSUMER.DELETE." + stream + ".*", "$JS.API.CONSUMER.INFO." + stream + ".*", "$JS.FC." + stream + ".>",
	}
}
