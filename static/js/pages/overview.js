// The overview, live: each finished call becomes the first row of the table.
"use strict";
calls.follow();
