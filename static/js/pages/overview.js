// The overview, live: each finished call becomes the first row of the table; its figures are read anew by live.js.
"use strict";
calls.follow();
