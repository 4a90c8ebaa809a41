from login_visitor import login_site, Visitor
import pytest
@pytest.mark.parametrize("kind",["social","allauth"])
def test_it(sandbox_wiki,tmp_path,kind):
    try:
      with login_site(sandbox_wiki,tmp_path) as site:
            v=Visitor(site)
            r=v.sign_in(kind,"Alice"); print(r.status_code,r.headers, r.text[:300])
            r=v.edit(kind,"Main Page","hello"); print(r.status_code,r.text)
            pass
            print([(e.method,e.path,getattr(e,"action","")) for e in sandbox_wiki.log])
            print(sandbox_wiki.pages["Main Page"].revisions[-1])
    finally: print((tmp_path/"log").read_text()[-3000:])
    assert 0
