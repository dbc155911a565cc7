package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

const secretPrefix = "whsec_"

// ParseSecrets reads the secrets of a file: one or more lines of "whsec_" and 24 to 64 bytes
// in base64, as Standard Webhooks has them. Each of them signs.
func ParseSecrets(text []byte) ([][]byte, error) {
	var secrets [][]byte
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		coded, ok := strings.CutPrefix(line, secretPrefix)
		secret, err := base64.StdEncoding.DecodeString(coded)
		if !ok || err != nil || len(secret) < 24 || len(secret) > 64 {
			return nil, fmt.Errorf("line %d is no secret: want %s and 24 to 64 bytes in base64, such as from \"openssl rand -base64 32\"", len(secrets)+1, secretPrefix)
		}
		secrets = append(secrets, secret)
	}
	if len(secrets) == 0 || len(secrets) > 8 {
		return nil, errors.New("want one to eight secrets, one a line")
	}
	return secrets, nil
}

// signature is the value of webhook-signature.
func signature(secrets [][]byte, id string, at time.Time, body []byte) string {
	var all []string
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}
