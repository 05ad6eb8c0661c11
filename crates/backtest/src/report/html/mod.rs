//! The report as an HTML page without scripts and external resources.
mod accuracy;
mod axis;
mod colour;
mod columns;
mod confidence;
mod figures;
mod learning;
mod moves;
mod page;
mod plot;
mod policies;
mod summary;
mod svg;
mod time;
mod timeline;
mod trading;
