package atcmd_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
)

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := atcmdtest.Modem(atcmdtest.Answers(map[string]string{"AT+CGMM": "EC25"}))
		s := atcmd.New(m.Port(), atcmd.Settings{})
		if err := s.Wake(context.Background()); err != nil {
			t.Fatal(err)
		}
		c, _ := atcmd.Parse("AT+CGMM")
		x, err := s.Ask(context.Background(), c)
		t.Log(x, err, s.Transcript())
		s.Close()
		m.Close()
	})
}

func TestSmokePty(t *testing.T) {
	m := atcmdtest.Modem(atcmdtest.Answers(map[string]string{"AT+CGMM": "EC25"}))
	p, err := m.Pty()
	if err != nil {
		t.Fatal(err)
	}
	f, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	s := atcmd.New(f, atcmd.Settings{})
	if err := s.Wake(context.Background()); err != nil {
		t.Fatal(err)
	}
	c, _ := atcmd.Parse("AT+CGMM")
	x, err := s.Ask(context.Background(), c)
	t.Log(x, err, s.Transcript(), string(m.Written()))
	s.Close()
	m.Close()
}
