//go:build tools

// Package store only pins the object store's version: see go.mod and go.sum.
package store

import _ "github.com/versity/versitygw/cmd/versitygw"
