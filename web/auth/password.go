package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"assay"

	"github.com/alexedwards/argon2id"
)

// Passwords are hashed with argon2id at OWASP's setting for web servers: 19 MiB, two passes.
var params = &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

const (
	minPassword = 12
	maxPassword = 256
)

// HashPassword makes the text that is stored.
func HashPassword(password string) (string, error) {
	h, err := argon2id.CreateHash(password, params)
	if err != nil {
		return "", fmt.Errorf("hash a password: %w", err)
	}
	return h, nil
}

// CheckPassword compares in constant time. A hash that cannot be read matches nothing.
func CheckPassword(password, hash string) bool {
	if len(password) > maxPassword*4 {
		return false
	}
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	return err == nil && ok
}

// absent is compared with when there is no such account, so that the answer takes as long as for one that exists.
const absent = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// JudgePassword says what is wrong with a password that somebody chooses, "" when it will do. Length is what counts.
func JudgePassword(password string, u assay.User) string {
	n := utf8.RuneCountInString(password)
	lower := strings.ToLower(password)
	local, _, _ := strings.Cut(strings.ToLower(u.Email), "@")
	switch {
	case n < minPassword:
		return fmt.Sprintf("At least %d characters; four unrelated words are a good choice.", minPassword)
	case n > maxPassword:
		return fmt.Sprintf("At most %d characters.", maxPassword)
	case !utf8.ValidString(password):
		return "This is not plain text."
	case strings.Count(password, string([]rune(password)[0])) == n:
		return "One character again and again is too easy to guess."
	case len(local) > 3 && strings.Contains(lower, local):
		return "It must not contain your mail address."
	case common[lower]:
		return "This is among the passwords that are tried first."
	}
	return ""
}

var common = map[string]bool{"123456789012": true, "password1234": true, "passwordpassword": true, "qwertyuiop12": true, "correcthorsebatterystaple": true,
	"correct horse battery staple": true, "administrator": true, "letmeinletmein": true, "iloveyouiloveyou": true, "changemechangeme": true}

// OneTimePassword is what an operator hands to a new user, who must change it at the first sign-in.
func OneTimePassword() string {
	const letters = "abcdefghjkmnpqrstuvwxyz23456789" // 31: none that look alike
	b := make([]byte, 64)
	rand.Read(b)
	var out strings.Builder
	n := 0
	for _, x := range b {
		if x >= 248 { // 8×31; keep the choice even
			continue
		}
		if n > 0 && n%5 == 0 {
			out.WriteByte('-')
		}
		out.WriteByte(letters[x%31])
		if n++; n == 20 {
			break
		}
	}
	return out.String()
}

// NewToken makes the secret of an invitation link, 256 random bits, and the hash that is stored in its place.
func NewToken() (token, hash string) {
	b := make([]byte, 32)
	rand.Read(b)
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, HashToken(token)
}

// HashToken is what the database knows of a token.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// TokenForm says whether something could be a token at all.
func TokenForm(s string) bool { return tokenForm.MatchString(s) }
