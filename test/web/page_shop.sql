-- A shop of leads and payments for the tests of the page: 200 days up to now with a week's and a day's rhythm in the session's
-- time zone, six countries, five sources, three priorities, a bad day. The same numbers at
-- every run, but for the clock.
SELECT setseed(0.42);
CREATE TABLE leads (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), country text, source text,
    priority text NOT NULL DEFAULT 'medium');
CREATE TABLE payments (id bigserial PRIMARY KEY, created_at timestamptz NOT NULL DEFAULT now(), country text, source text,
    status text NOT NULL DEFAULT 'paid', amount numeric(12,2) NOT NULL DEFAULT 25);

CREATE TEMP TABLE moment AS
SELECT d.day + (h.hour + random()) * interval '1 hour' AS at
  FROM generate_series(date_trunc('day', now()) - interval '200 days', date_trunc('day', now()), interval '1 day') d (day),
       generate_series(0, 23) h (hour),
       LATERAL generate_series(1, ((0.7 + 0.6 * random()) * (1.5 + 20 * (1 - cos(2 * pi() * (h.hour - 3) / 24)) / 2)
            * CASE WHEN extract(isodow FROM d.day) > 5 THEN 0.6 ELSE 1 END
            * (1 + extract(epoch FROM d.day - now()) / 86400 / 700)
            * CASE WHEN d.day = date_trunc('day', now()) - interval '9 days' THEN 0.35 ELSE 1 END)::int) n
 WHERE d.day + h.hour * interval '1 hour' < now();

INSERT INTO leads (created_at, country, source, priority)
SELECT at, (ARRAY['MX', 'MX', 'MX', 'MX', 'CO', 'CO', 'AR', 'AR', 'CL', 'PE', 'ES'])[1 + (random() * 10.99)::int % 11],
       (ARRAY['google', 'google', 'google', 'facebook', 'facebook', 'referral', 'email', 'organic'])[1 + (random() * 7.99)::int % 8],
       (ARRAY['high', 'medium', 'medium', 'low', 'low', 'low'])[1 + (random() * 5.99)::int % 6]
  FROM moment WHERE at < now() ORDER BY at;

INSERT INTO payments (created_at, country, source, status, amount)
SELECT created_at + random() * interval '15 minutes', country, source, CASE WHEN random() < 0.9 THEN 'paid' ELSE 'failed' END,
       round((25 + 60 * random() * CASE country WHEN 'ES' THEN 1.6 ELSE 1 END)::numeric, 2)
  FROM leads
 WHERE random() < CASE source WHEN 'referral' THEN 0.55 WHEN 'email' THEN 0.5 ELSE 0.33 END AND created_at < now() - interval '15 minutes'
 ORDER BY created_at;

CREATE INDEX ON leads (created_at);
CREATE INDEX ON payments (created_at);
ANALYZE;
