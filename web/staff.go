package web

import (
	"assay"
	"assay/web/view"
)

// staffRoutes are the pages of people with an account.
func (s *Server) staffRoutes() []route {
	return []route{}
}

// staffHome is where a person lands after signing in.
func staffHome(assay.Actor) string { return "/password" }

// staffNav is the navigation of a person with an account, by their roles.
func staffNav(assay.Actor) []view.NavItem { return nil }
