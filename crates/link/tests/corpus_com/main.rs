//! Margins against the answers of the IEEE 802.3 task force's script, release 4.50, run under GNU Octave 7.3 with its
//! receiver filter on (row "Display frequency domain" 1) and without its local search. Channels and sheets are those of
//! the corpus; each test names its sheet and grid.

mod backplane_kr4;
mod compare;
mod lanes_100g;
mod lanes_200g;
mod receivers;
