// Package knowledge turns the files of this folder into what the engine loads.
//
//	makers/*.yaml, others/*.yaml, ids/*.tsv, replies.yaml, plan.yaml, vocabulary.yaml
//	      │ Read (strict; file, line and reason of every mistake)
//	      ▼
//	   Source ── Check ── Compile ──► Pack ── Encode ──► pack.bin ── Decode ──► Pack
//
// [Source] is what people write, with sources and examples. [Pack] is what the engine
// needs, without them. The format is described in README.md.
//
// It promises that the same files always give the same bytes, that text is decoded once and
// never copied, and that a file with a mistake is refused whole.
//
// It never opens a file itself (Read takes an fs.FS), never compiles a pattern while
// decoding, and names no company, model or country.
package knowledge
