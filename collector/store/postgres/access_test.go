package postgres_test

import (
	"testing"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/postgres/postgrestest"
	"github.com/rollcall-iot/rollcall/collector/store/storetest"
)

func TestAccess(t *testing.T) {
	srv := postgrestest.Start(t)
	storetest.Access(t, func(t *testing.T) store.Store { return open(t, srv.Database(t)) })
}
