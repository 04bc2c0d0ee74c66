// kpi.add_measure: one more measure of a source that is tracked already. The tables of the source
// get a column at their end and everything is marked dirty: until it is built, readers take all
// days from the facts view, so that what they see is right from the commit on. Needs an open Spi.
#pragma once

#include <string>

namespace kpi::engine {

// `source`: its name or that of its facts view. `definition`: as in aggregates => of kpi.track, or
// {"sum": column}, whose column has the measure's name. Writers are locked out from the end of the
// checks to the end of the transaction. Errors: 42501 not the owner; 22023 and 42703, 42804, 42710,
// 54000, 54011, 0A000 for what cannot be a measure; 55000 for a source with frozen days; 55006 when
// this transaction has changed its rows; 55P03 when tables stay locked by others.
void add_measure(const std::string &source, const std::string &name, const std::string &definition);

}  // namespace kpi::engine
