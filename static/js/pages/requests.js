// The list of requests, live while it shows the newest of all.
"use strict";
if (document.getElementById("live")) calls.follow();
