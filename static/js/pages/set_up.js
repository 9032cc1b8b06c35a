// The first owner's form: takes the code from the link's fragment, which no server sees, and forgets it in the address.
"use strict";

(() => {
  const field = document.getElementById("code");
  const code = decodeURIComponent(location.hash.slice(1));
  if (!field || code === "") return;
  field.value = code;
  history.replaceState(null, "", location.pathname);
  document.getElementById("name").focus();
})();
