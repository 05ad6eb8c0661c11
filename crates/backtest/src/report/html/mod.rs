//! The report as a page of its own: no network, no script.
mod axis;
mod calls;
mod confidence;
mod figures;
mod ink;
mod learning;
mod page;
mod plot;
mod time;
