from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

urlpatterns = [
    path("accounts/login/", LoginView.as_view(template_name="admin/login.html")),
    path("admin/", admin.site.urls),
    path("", include("streams.urls")),
]
