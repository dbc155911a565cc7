package knowledge

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// Read reads a whole folder of knowledge.
func Read(folder fs.FS) (*Source, error) {
	s := &Source{}
	err := errors.Join(
		readYAMLs(folder, "makers", func(file string, data []byte) error {
			var m MakerFile
			err := decodeYAML(file, data, &m)
			s.Makers = append(s.Makers, m)
			return errors.Join(err, fileIsNamed(file, m.Slug))
		}),
		readYAMLs(folder, "others", func(file string, data []byte) error {
			var o OtherFile
			err := decodeYAML(file, data, &o)
			s.Others = append(s.Others, o)
			return errors.Join(err, fileIsNamed(file, o.Kind))
		}),
		readYAML(folder, "replies.yaml", &s.Replies),
		readYAML(folder, "plan.yaml", &s.Plan),
		readYAML(folder, "vocabulary.yaml", &s.Vocabulary),
		readTables(folder, s),
	)
	return s, err
}

// ReadOverlay reads one file of a user: a maker's file or a kind of other device.
func ReadOverlay(name string, data []byte) (*Source, error) {
	s := &Source{}
	if looksLikeOther(data) {
		var o OtherFile
		err := decodeYAML(name, data, &o)
		s.Others = append(s.Others, o)
		return s, err
	}
	var m MakerFile
	err := decodeYAML(name, data, &m)
	s.Makers = append(s.Makers, m)
	return s, err
}

// looksLikeOther: a file of another kind of device has the key "seems", a maker's has not.
func looksLikeOther(data []byte) bool {
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "seems:") {
			return true
		}
	}
	return false
}

func readYAMLs(folder fs.FS, dir string, each func(file string, data []byte) error) error {
	names, err := fs.Glob(folder, dir+"/*.yaml")
	if err != nil {
		return err
	}
	var all []error
	for _, name := range names {
		data, err := fs.ReadFile(folder, name)
		if err == nil {
			err = each(name, data)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

func readYAML(folder fs.FS, name string, into any) error {
	data, err := fs.ReadFile(folder, name)
	if err != nil {
		return err
	}
	return decodeYAML(name, data, into)
}

func fileIsNamed(file, slug string) error {
	if path.Base(file) != slug+".yaml" {
		return &Error{File: file, Reason: "the file must be named after what it holds: " + slug + ".yaml"}
	}
	return nil
}
