// Copyright: (c) 2026, flotilla.coreos contributors
// GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package droplet

import (
	"fmt"
	"sync"

	"github.com/godbus/dbus/v5"
)

const (
	manager      = "org.freedesktop.systemd1.Manager"
	replaceJobs  = "replace"
	signalBuffer = 1024
)

// Every verb that makes a job, with its method.
var jobMethods = map[string]string{
	"start": "StartUnit", "stop": "StopUnit", "restart": "RestartUnit", "reload": "ReloadUnit",
	"try-restart": "TryRestartUnit", "reload-or-restart": "ReloadOrRestartUnit",
	"reload-or-try-restart": "ReloadOrTryRestartUnit",
}

// systemd talks to the manager over the system bus, from the first call on.
type systemd struct {
	connect sync.Once
	failed  error
	object  dbus.BusObject

	lock     sync.Mutex
	finished *sync.Cond
	results  map[dbus.ObjectPath]string
}

func (s *systemd) call(method string, results []any, arguments ...any) error {
	s.connect.Do(func() { s.failed = s.open() })
	if s.failed != nil {
		return s.failed
	}
	call := s.object.Call(manager+"."+method, 0, arguments...)
	if results == nil {
		return call.Err
	}
	return call.Store(results...)
}

func (s *systemd) open() error {
	bus, err := dbus.ConnectSystemBus()
	if err != nil {
		return fmt.Errorf("connect to the system bus: %w", err)
	}
	s.object = bus.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
	s.results = map[dbus.ObjectPath]string{}
	s.finished = sync.NewCond(&s.lock)
	if err := bus.AddMatchSignal(dbus.WithMatchInterface(manager), dbus.WithMatchMember("JobRemoved")); err != nil {
		return err
	}
	signals := make(chan *dbus.Signal, signalBuffer)
	bus.Signal(signals)
	go s.collect(signals)
	return s.object.Call(manager+".Subscribe", 0).Err
}

// collect keeps the results of all jobs: a job may be over before the call that made it has returned.
func (s *systemd) collect(signals <-chan *dbus.Signal) {
	for signal := range signals {
		var id uint32
		var job dbus.ObjectPath
		var unit, result string
		if dbus.Store(signal.Body, &id, &job, &unit, &result) != nil {
			continue
		}
		s.lock.Lock()
		s.results[job] = result
		s.lock.Unlock()
		s.finished.Broadcast()
	}
	// The bus is gone: nobody will hear of a job any more.
	s.lock.Lock()
	s.results = nil
	s.lock.Unlock()
	s.finished.Broadcast()
}

func (s *systemd) Do(verb, name string) (string, error) {
	var job dbus.ObjectPath
	if err := s.call(jobMethods[verb], []any{&job}, name, replaceJobs); err != nil {
		return "", err
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	for s.results != nil {
		if result, over := s.results[job]; over {
			delete(s.results, job)
			return result, nil
		}
		s.finished.Wait()
	}
	return "", fmt.Errorf("lost the system bus while waiting for %s of %s", verb, name)
}

func (s *systemd) Enable(name string, runtime bool) error {
	return s.call("EnableUnitFiles", nil, []string{name}, runtime, true)
}

func (s *systemd) Reload() error { return s.call("Reload", nil) }

type property struct {
	Name  string
	Value dbus.Variant
}

type execStart struct {
	Path             string
	Arguments        []string
	UncleanIsFailure bool
}

type auxiliaryUnit struct {
	Name       string
	Properties []property
}

func (s *systemd) StartTransient(name string, command ...string) error {
	properties := []property{
		{"Description", dbus.MakeVariant(name)},
		{"ExecStart", dbus.MakeVariant([]execStart{{command[0], command, false}})},
	}
	return s.call("StartTransientUnit", nil, name, replaceJobs, properties, []auxiliaryUnit{})
}
