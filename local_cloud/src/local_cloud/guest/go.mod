module flotilla.example/local-cloud/guest

go 1.26

require (
	github.com/godbus/dbus/v5 v5.2.2
	gopkg.in/yaml.v3 v3.0.1
)

require golang.org/x/sys v0.27.0 // indirect
