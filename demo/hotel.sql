-- The hotel's bookings as KPIs. A booking is a lead on the day it is made; on the day of its last status it is a payment
-- that succeeded (Check-Out) or did not (Canceled, No-Show). Two clocks, so two facts views over one table. The archive knows
-- days only (its bookings stand at their first minute), a booking of today its moment.
CREATE VIEW lead_facts AS
SELECT booked_at, country, market_segment AS source,
       1 AS leads,
       (status = 'Check-Out')::int AS leads_converted
  FROM bookings;

CREATE VIEW payment_facts AS
SELECT status_at, country, market_segment AS source,
       1 AS payments,
       (status = 'Check-Out')::int AS success,
       CASE WHEN status = 'Check-Out' THEN amount ELSE 0 END AS revenue,
       CASE WHEN status = 'Check-Out' THEN 0 ELSE amount END AS lost_revenue
  FROM bookings;

-- From here on every write to bookings keeps the sums by hour and day: the total, each country, each source, each segment.
SELECT kpi.track('lead_facts', time_column => 'booked_at', dimensions => '{country,source}', name => 'leads', timezone => 'UTC');
SELECT kpi.track('payment_facts', time_column => 'status_at', dimensions => '{country,source}', name => 'payments', timezone => 'UTC');

-- Every measure is a metric of the same name at once; ratios are formulas over them.
SELECT kpi.define('conversion_rate', '100.0 * leads_converted / leads', unit => '%');
SELECT kpi.define('success_rate', '100.0 * success / payments', unit => '%');
