#include "report/stylesheet.hpp"

namespace kpi::report {

// Every pair of colours that carries words has a contrast of 4.5 or more in both schemes.
const std::string_view kStylesheet = R"css(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1a2233;--soft:#566176;--hair:#e4e8ee;
--accent:#4f46e5;--tint:#4f46e51f;--area:#4f46e514;--good:#0a7048;--good-tint:#e3f5ec;--bad:#b42336;
--bad-tint:#fdebed;--warn:#8a5200;--warn-tint:#fdf3dc;--idle:#eef1f5;--mute:#8290a6}
@media (prefers-color-scheme:dark){:root{--page:#0e1219;--card:#171c26;--ink:#e8ecf3;--soft:#9ba7ba;
--hair:#2a3241;--accent:#9a9bff;--tint:#8f90ff30;--area:#8f90ff1c;--good:#5fd6a0;--good-tint:#12342a;
--bad:#ff95a1;--bad-tint:#43202a;--warn:#f2c063;--warn-tint:#3a2d13;--idle:#232a37;--mute:#7c889c}}
@media print{:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#1a2233;--soft:#566176;
--hair:#d9dee6;--accent:#4f46e5;--tint:#4f46e51f;--area:#4f46e514;--good:#0a7048;--good-tint:#e3f5ec;
--bad:#b42336;--bad-tint:#fdebed;--warn:#8a5200;--warn-tint:#fdf3dc;--idle:#eef1f5;--mute:#8290a6}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 Inter,system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;
-webkit-text-size-adjust:100%;overflow-wrap:anywhere}
main{max-width:1040px;margin:0 auto;padding:40px 24px 56px}
h1{font-size:26px;line-height:1.25;letter-spacing:-.02em;font-weight:650;margin:0}
h2{font-size:18px;letter-spacing:-.01em;font-weight:650;margin:40px 0 12px}
h3{font-size:15px;font-weight:600;margin:0 0 12px}
p{margin:0 0 8px}a{color:var(--accent)}
header .line{display:flex;flex-wrap:wrap;align-items:center;gap:10px}
header p{color:var(--soft);margin:4px 0 0}
.badge,.by{display:inline-block;border-radius:6px;padding:1px 8px;font-size:13px;font-weight:550;
background:var(--idle);color:var(--soft);white-space:nowrap}
.by{padding:0 7px}
.good{background:var(--good-tint);color:var(--good)}.bad{background:var(--bad-tint);color:var(--bad)}
.warn{background:var(--warn-tint);color:var(--warn)}
.state{list-style:none;margin:20px 0 0;padding:10px 16px;border-radius:10px;background:var(--warn-tint);
color:var(--warn)}
.summary{margin:24px 0 0;font-size:17px;line-height:1.55;max-width:44em}
.summary p{margin:0 0 6px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(228px,1fr));gap:16px;margin:24px 0 0;
padding:0;list-style:none}
.card,.tiles>li{background:var(--card);border:1px solid var(--hair);border-radius:12px;padding:18px 20px}
.card{margin:0 0 16px}.card>:last-child{margin-bottom:0}
.tiles>li:only-child{max-width:440px}
.tiles>li{display:flex;flex-direction:column;min-width:0}
.tiles h3{color:var(--soft);font-size:14px;font-weight:500;margin:0}
.tiles .value{font-size:30px;line-height:1.25;font-weight:650;letter-spacing:-.02em;margin:2px 0 6px}
.tiles p{font-size:13px;color:var(--soft);margin:0 0 3px}
.tiles .change{display:flex;flex-wrap:wrap;align-items:baseline;gap:1px 6px;margin-bottom:7px}
.tiles .more::first-letter{text-transform:uppercase}.tiles .why{color:var(--ink);margin-top:5px}
.tiles .spark{margin-top:auto;padding-top:10px;height:40px}
.open{display:flex;flex-wrap:wrap;gap:6px 20px;margin:16px 0 0;padding:12px 20px;border:1px dashed
var(--mute);border-radius:12px;font-size:14px}
.open b{font-weight:600}.open span{color:var(--soft)}
svg{display:block}.plot{display:flex}.plot svg{overflow:visible}
.plot .ticks{flex:0 0 58px;width:58px}.plot .field{flex:1 1 0;min-width:0}
svg text{font-size:12px;fill:var(--soft)}
.grid{stroke:var(--hair)}.zero{stroke:var(--mute)}
.line,.before,.target{fill:none;stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round;
stroke-linecap:round;stroke:var(--accent)}
.before{stroke:var(--mute);stroke-width:1.5;stroke-dasharray:2 4}
.target{stroke:var(--good);stroke-width:1.5;stroke-dasharray:8 4}
.halo{stroke:var(--card);stroke-width:5}.range{fill:none;stroke:var(--ink);stroke-width:1.5}
.line.ahead{stroke-dasharray:4 5}.area{fill:var(--area)}.band{fill:var(--tint)}
.dot{fill:var(--accent);stroke:var(--card);stroke-width:1.5}
.dot.ahead{fill:var(--card);stroke:var(--accent);stroke-width:2}
.dot.outside{fill:var(--card);stroke:var(--bad);stroke-width:2.5}
.bar{fill:var(--accent)}.bar.ahead{fill:var(--tint);stroke:var(--accent);stroke-dasharray:3 3}
.bar.outside{fill:var(--bad-tint);stroke:var(--bad);stroke-width:2}
.tip{fill:transparent}.tip:hover{fill:var(--area)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:4px 18px;margin:-4px 0 8px;padding:0;
font-size:13px;color:var(--soft)}
.legend li{display:flex;align-items:center;gap:7px}
.legend .line,.legend .before,.legend .target{vector-effect:none}
.spark .line{stroke-width:1.75}
.none,.note{color:var(--soft);font-size:14px}.note{margin-top:8px}
details{margin-top:10px;font-size:14px}summary{cursor:pointer;color:var(--accent);width:max-content}
details[open] summary{margin-bottom:8px}
.scroll{overflow-x:auto;margin:0 -4px;padding:0 4px}
table{border-collapse:collapse;width:100%;font-size:14px}
th{font-weight:550;color:var(--soft);font-size:13px;text-align:left}
th,td{padding:8px 12px 8px 0;border-bottom:1px solid var(--hair);vertical-align:top}
th:last-child,td:last-child{padding-right:0}
tbody tr:last-child>*{border-bottom:0}
.n{text-align:right}.n,.day{white-space:nowrap}tbody th{color:var(--ink);font-weight:400;font-size:14px}
table{overflow-wrap:break-word}.names th,.names td{min-width:5.5em}
.names .words{min-width:9em;max-width:26em}.names .n{min-width:0}
.bars td,.bars th{border-bottom:0;padding-top:3px;padding-bottom:3px;vertical-align:middle}
.bars thead th{padding-bottom:6px}
.bars .share{position:relative;padding:7px 10px;min-width:9em;width:52%}
.bars .share svg{position:absolute;left:0;top:3px;width:100%;height:calc(100% - 6px)}
.bars .share rect{fill:var(--tint)}.bars .share .negative{fill:none;stroke:var(--bad);
stroke-dasharray:3 3}
.bars .share span{position:relative}
.bars .n{padding-left:12px}
.events{list-style:none;margin:0;padding:0}
.events li{padding:10px 0;border-bottom:1px solid var(--hair)}.events li:first-child{padding-top:0}
.events li:last-child{border-bottom:0;padding-bottom:0}
.events .badge{margin-right:8px}.events b{font-weight:600}
.events p{margin:3px 0 0;color:var(--soft);font-size:14px}
dl{margin:0;font-size:14px}dt{font-weight:600;margin-top:12px}dt:first-child{margin-top:0}
dd{margin:2px 0 0;color:var(--soft)}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:4px}
.charts .wide{display:none}
@media (min-width:1000px){.charts{display:grid;grid-template-columns:1fr 1fr;gap:0 16px}
.charts h2,.charts h2+.card:nth-last-of-type(odd){grid-column:1/-1}.charts .card{min-width:0}
.charts h2+.card:nth-last-of-type(odd) .wide{display:inline}}
@media (max-width:900px){svg .wide{display:none}}
@media (max-width:600px){main{padding:24px 14px 40px}h1{font-size:22px}h2{margin-top:30px}
.card,.tiles>li{padding:15px 15px}.tiles{gap:10px;grid-template-columns:1fr}
.tiles .value{font-size:26px}.tiles .spark{margin-top:4px}.summary{font-size:16px}
.bars .extra{display:none}.bars .share{min-width:6.5em;width:auto;overflow-wrap:anywhere}
.plot .ticks{flex-basis:50px;width:50px}}
@page{size:A4;margin:14mm}
@media print{svg .wide{display:none}body{font-size:10.5pt}main{max-width:none;padding:0}.card,.tiles>li,tr{break-inside:avoid}
h2,h3{break-after:avoid}.tiles{grid-template-columns:repeat(3,1fr);gap:10px}
.tiles>li{padding:12px 14px}.tiles .value{font-size:22px}details{display:none}.scroll{overflow:visible}
.names{font-size:8.5pt;overflow-wrap:anywhere}.names th,.names td,.names .words{min-width:0;padding:5px 8px 5px 0;
white-space:normal}.charts{display:grid;grid-template-columns:1fr 1fr;gap:0 10px}
.charts h2,.charts h2+.card:nth-last-of-type(odd){grid-column:1/-1}.charts .card{min-width:0;padding:12px 14px;margin:0 0 10px}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
)css";

}  // namespace kpi::report
