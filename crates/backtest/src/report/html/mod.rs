//! The report as an HTML page without scripts and external resources.
mod accuracy;
mod axis;
mod colour;
mod confidence;
mod figures;
mod learning;
mod page;
mod plot;
mod policies;
mod time;
