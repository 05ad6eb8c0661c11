//! The report as a page of its own: no network, no script.
mod axis;
mod calls;
mod figures;
mod ink;
mod page;
mod plot;
